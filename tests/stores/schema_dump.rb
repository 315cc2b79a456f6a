# ruby schema_dump.rb: what Rails writes into db/schema.rb, as a line of JSON.
require "active_record"
require "json"
require "stringio"

ActiveRecord::Base.establish_connection(adapter: "postgresql", database: ENV["PGDATABASE"])
dump = StringIO.new
ActiveRecord::SchemaDumper.dump(ActiveRecord::Base.connection, dump)
puts JSON.generate(plan: [dump.string])
