<?php
// php main.php FILE/NAME: one store's part of its test, as ../case.py says. A store is an array of two functions: `write` takes
// a key and the seconds until it expires, `load` says whether it still is there.

[$file, $name] = explode('/', $argv[1]);
$store = (require __DIR__ . "/$file.php")[$name]();
$written = ['live' => [], 'expired' => []];
foreach (['live' => [300, 5400, 86400], 'expired' => [-60, -5400, -86400]] as $kind => $offsets) {
    foreach ($offsets as $number => $offset) {
        $store['write']("$kind-$number", $offset);
        $written[$kind][] = "$kind-$number";
    }
}
echo json_encode($written), "\n";
fgets(STDIN);
$loaded = array_filter(array_merge($written['live'], $written['expired']), $store['load']);
echo json_encode(['loaded' => array_values($loaded)]), "\n";
