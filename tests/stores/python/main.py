"""python main.py FILE/NAME: one store's part of its test, as ../case.py says."""

import datetime
import importlib
import json
import sys


def main():
    file, name = sys.argv[1].split("/")
    store = importlib.import_module(file).STORES[name]()
    minute, day = datetime.timedelta(minutes=1), datetime.timedelta(days=1)
    written = {"live": [], "expired": []}
    for kind, offsets in ("live", (5 * minute, 90 * minute, day)), ("expired", (-minute, -90 * minute, -day)):
        for number, offset in enumerate(offsets):
            key = f"{kind}-{number}"
            written[kind].append(store.write(key, offset) or key)
    print(json.dumps(written), flush=True)
    sys.stdin.readline()
    print(json.dumps({"loaded": [key for key in written["live"] + written["expired"] if store.load(key)]}), flush=True)


main()
