<?php
// Laravel: its own migrations make the tables. Its clock, which is set for a session that has expired, is Carbon's.

foreach (['Cache', 'Container', 'Database', 'Session', 'Support'] as $component) {
    require_once "Illuminate/$component/autoload.php";
}

use Carbon\Carbon;
use Illuminate\Cache\DatabaseLock;
use Illuminate\Cache\DatabaseStore;
use Illuminate\Container\Container;
use Illuminate\Database\Capsule\Manager;
use Illuminate\Database\Migrations\Migration;
use Illuminate\Session\DatabaseSessionHandler;
use Illuminate\Support\Facades\Facade;

$manager = new Manager();
$manager->addConnection(['driver' => 'pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'),
    'database' => getenv('PGDATABASE'), 'username' => getenv('PGUSER'), 'schema' => 'public', 'prefix' => '']);
$database = $manager->getConnection();
$application = new Container();
$application->instance('db', $manager->getDatabaseManager());
$application->bind('db.schema', fn () => $database->getSchemaBuilder());
Facade::setFacadeApplication($application);
$migrate = function (string $stub, string $class) {
    // A class with a name, or from Laravel 9 on one without.
    $migration = require stream_resolve_include_path("Illuminate/$stub");
    ($migration instanceof Migration ? $migration : new $class())->up();
};
$at = function (int $seconds, callable $do) {
    Carbon::setTestNow(Carbon::now()->addSeconds($seconds));
    try {
        return $do();
    } finally {
        Carbon::setTestNow();
    }
};

return [
    'sessions' => function () use ($database, $migrate, $at) {
        $migrate('Session/Console/stubs/database.stub', 'CreateSessionsTable');
        $days = 2;
        // It remembers whether the session that it read last was there: one for each.
        $handler = fn () => new DatabaseSessionHandler($database, 'sessions', $days * 1440);
        return [
            'write' => fn ($key, $offset) => $at($offset - $days * 86400, fn () => $handler()->write($key, $key)),
            'load' => fn ($key) => $handler()->read($key) === $key,
        ];
    },
    'cache' => function () use ($database, $migrate, $at) {
        $migrate('Cache/Console/stubs/cache.stub', 'CreateCacheTable');
        $store = new DatabaseStore($database, 'cache', 'app_');
        return [
            'write' => fn ($key, $offset) => $at($offset - 60, fn () => $store->put($key, $key, 60)),
            'load' => fn ($key) => $store->get($key) === $key,
        ];
    },
    'locks' => function () use ($database, $migrate) {
        $migrate('Cache/Console/stubs/cache.stub', 'CreateCacheTable');
        // A lock's clock is PHP's own: it is put back. Nobody else gets it while it is held.
        $lock = fn ($key, $owner, $seconds) => new DatabaseLock($database, 'cache_locks', $key, $seconds, $owner, [0, 1]);
        return [
            'write' => function ($key, $offset) use ($database, $lock) {
                $lock($key, 'owner', max($offset, 60))->acquire();
                $database->table('cache_locks')->where('key', $key)->decrement('expiration', max($offset, 60) - $offset);
            },
            'load' => fn ($key) => !$lock($key, 'another', 60)->acquire(),
        ];
    },
    // Not a store: what `migrate:fresh` does first.
    'drop-all' => function () use ($database) {
        $database->enableQueryLog();
        $schema = $database->getSchemaBuilder();
        $schema->dropAllViews();
        $schema->dropAllTables();
        echo json_encode(['plan' => array_column($database->getQueryLog(), 'query')]), "\n";
        exit;
    },
];
