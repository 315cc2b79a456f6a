"""The comparison of raw_clear_sessions with what else clears a session table, on real servers.

    python -m bench         measures what is missing, and reports (make bench; scripts/bench prepares and calls it)
    python -m bench report  writes the reports anew from the results that are committed
    python -m bench check   says whether the documents show what the results say

How it is laid out, as a measurement walks through it:

    options.py     what the environment asks for
    server.py      a server of the stage's, on a unix socket
    table.py       the session tables, and how a filled one is put back for the next measurement
    ways.py        the ways to clear one: the peers' and the extension's; client.py and site/ are the clients' side
    probe.py       what a way takes of memory, WAL and buffers
    measurement.py one measurement
    scenarios/     what is measured: one file each
    results.py     what is kept, so that an interrupted run goes on, and as which JSON
    figures.py     medians, spreads, ratios, percentiles
    goals.py       what the project wants to reach
    report.py, tables.py, plots.py   the documents' tables and pictures
"""
