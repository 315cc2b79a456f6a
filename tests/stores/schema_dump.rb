# ruby schema_dump.rb: what Rails writes into db/schema.rb, as a line of JSON.
require "active_record"
require "json"
require "stringio"

ActiveRecord::Base.establish_connection(adapter: "postgresql", database: ENV["PGDATABASE"])
dump = StringIO.new
# A pool of connections from Rails 7.2 on.
source = ActiveRecord.version >= Gem::Version.new("7.2") ? ActiveRecord::Base.connection_pool : ActiveRecord::Base.connection
ActiveRecord::SchemaDumper.dump(source, dump)
puts JSON.generate(plan: [dump.string])
