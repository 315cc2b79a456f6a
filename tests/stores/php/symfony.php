<?php
// Symfony. None of its stores takes a session that has expired already: it gets one that lives, and that is put back.

foreach (['Cache', 'HttpFoundation', 'Lock'] as $component) {
    require_once "Symfony/Component/$component/autoload.php";
}

use Symfony\Component\Cache\Adapter\PdoAdapter;
use Symfony\Component\HttpFoundation\Session\Storage\Handler\PdoSessionHandler;
use Symfony\Component\Lock\Key;
use Symfony\Component\Lock\Store\PdoStore;

$pdo = new PDO('pgsql:');
$pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
$putBack = fn (string $column, string $table, string $condition) => function (int $seconds, string $key) use ($pdo, $column, $table, $condition) {
    $pdo->prepare("UPDATE $table SET $column = $column - ? WHERE $condition")->execute([$seconds, $key]);
};

return [
    'sessions' => function () use ($pdo, $putBack) {
        $handler = new PdoSessionHandler($pdo, ['lock_mode' => PdoSessionHandler::LOCK_NONE]);
        $handler->createTable();
        $putBack = $putBack('sess_lifetime', 'sessions', 'sess_id = ?');
        return [
            'write' => function ($key, $offset) use ($handler, $putBack) {
                ini_set('session.gc_maxlifetime', max($offset, 60));
                $handler->open('', '');
                $handler->write($key, $key);
                $handler->close();
                $putBack(max($offset, 60) - $offset, $key);
            },
            'load' => fn ($key) => $handler->open('', '') && $handler->read($key) === $key,
        ];
    },
    'locks' => function () use ($pdo, $putBack) {
        $store = new PdoStore($pdo, [], 0.0);
        $store->createTable();
        $putBack = $putBack('key_expiration', 'lock_keys', 'key_id = ?');
        $keys = [];
        return [
            'write' => function ($key, $offset) use ($store, $putBack, &$keys) {
                $store->save($keys[$key] = new Key($key));
                $store->putOffExpiration($keys[$key], max($offset, 60));
                $putBack(max($offset, 60) - $offset, hash('sha256', $key));
            },
            'load' => function ($key) use ($store, &$keys) { return $store->exists($keys[$key]); },
        ];
    },
    'cache' => function () use ($pdo, $putBack) {
        $cache = new PdoAdapter($pdo);
        $cache->createTable();
        $putBack = $putBack('item_time', 'cache_items', "item_id LIKE '%' || ?");
        return [
            'write' => function ($key, $offset) use ($cache, $putBack) {
                $cache->save($cache->getItem($key)->set($key)->expiresAfter(max($offset, 60)));
                $putBack(max($offset, 60) - $offset, $key);
            },
            'load' => fn ($key) => $cache->getItem($key)->get() === $key,
        ];
    },
];
