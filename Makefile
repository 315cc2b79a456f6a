# raw_clear_sessions: what there is to do with this checkout. Each target is a script in scripts/, which says more.
#
#     PG_CONFIG=/path/to/pg_config   the PostgreSQL (15 to 19) to build for; else the one in the PATH, else the newest
#     DESTDIR=/folder                install below this folder
#     TESTS="name ..."               with one check-...: only these tests
#     MATRIX=all                     with check-clients: every Python and Django, not only those of the python3 here
#     ROWS=1000000 KEEP=1            with demo: the size of the table; keep the server running
#     RENEWALS=... CRASHES=... ROUNDS=...    with torture: how much of it
#     BENCH_ROWS=... BENCH_...       with bench: scripts/bench lists them

export PG_CONFIG DESTDIR TESTS ROWS KEEP RENEWALS CRASHES ROUNDS MATRIX

# What `make` alone does, and clients of PGXN with `make all`.
.DEFAULT_GOAL := build

.PHONY: all help demo bench bench-quick bench-report build install package dist check frameworks check-unit check-bench check-regress \
	check-isolation check-cluster check-citus check-timescaledb check-django check-clients check-package check-monitoring check-stores check-assert matrix torture mutants lint \
	stage bootstrap clean

help: ## this table
	@sed -n 's/^# \(    .*\)/\1/p' Makefile
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/    make \1|\2/p' Makefile | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

demo: stage ## a real Django project's sessions, a million of them, cleared in a throw-away server
	@scripts/demo

bench: stage ## compare with the peers; the results go into docs/ and README.md
	@scripts/bench

bench-quick: stage ## the same in a few minutes, with smaller tables; the results stay in target/bench
	@scripts/bench quick

bench-report: bootstrap ## write the tables and pictures of docs/ and README.md anew from the results there
	@scripts/bench report

all: build
build: bootstrap ## the extension's files, in target/package
	@scripts/build

install: ## build if need be, and install into PostgreSQL's folders (below DESTDIR)
	@scripts/install

package: ## a tar file of what install installs, and a Debian package, in target/dist
	@scripts/package

dist: ## a tar file of the sources, in target/dist
	@scripts/dist

check: stage ## all tests, in throw-away servers
	@scripts/check unit bench regress isolation cluster citus timescaledb django clients package monitoring stores

check-unit: bootstrap ## tests without a server: which rows are expired and when, the documents, the layers of the sources
	@scripts/check unit

frameworks: bootstrap ## write the tables of frameworks in docs/ anew from what is recognized
	@RCS_WRITE_DOCUMENTS=1 cargo test --quiet -p documents --test recipes the_tables_of

check-bench: ## the arithmetic of the comparison and of the suites' results, and whether the documents show the comparison's
	@scripts/check bench

check-regress: stage ## SQL as users write it, against expected output
	@scripts/check regress

check-isolation: stage ## concurrent sessions
	@scripts/check isolation

check-cluster: stage ## tests that start servers of their own
	@scripts/check cluster

check-citus: stage ## the same with Citus: a coordinator and worker nodes; where PG_CONFIG's PostgreSQL has it
	@scripts/check citus

check-timescaledb: stage ## the same with TimescaleDB; where PG_CONFIG's PostgreSQL has it
	@scripts/check timescaledb

check-django: stage ## the same rows remain as after Django's own clearsessions
	@scripts/check django

torture: stage ## for a quarter of an hour: a million renewals, hundreds of crashes, standbys; closes with a table
	@scripts/torture

check-assert: bootstrap ## all tests, on a PostgreSQL built with assertions from the distribution's source package
	@scripts/check-assert

matrix: bootstrap ## all tests on PostgreSQL 15 to 19, those not installed here in other releases of Debian; needs root
	@scripts/matrix

mutants: bootstrap ## whether the tests notice wrong code: mutants of the engine and the worker, and of the rules
	@scripts/mutants

check-clients: stage ## the Django package, its wheel installed into clean environments
	@scripts/check clients

check-package: stage ## the packages install and remove, the sources build from their tar file
	@scripts/check package

check-monitoring: stage ## what Prometheus gets to know, with the real exporter; its rules; the dashboard
	@scripts/check monitoring

check-stores: stage ## the libraries of npm, PyPI, crates.io and Debian find their live sessions again
	@scripts/check stores

lint: bootstrap ## format, clippy for every PostgreSQL version, documentation, shell scripts, the Django package
	@scripts/lint

stage: bootstrap ## a private copy of PostgreSQL with the extension in it, in target/stage
	@scripts/stage

bootstrap: ## install what building and testing needs and is missing (apt packages, cargo-pgrx)
	@scripts/bootstrap

clean: ## remove everything that was built
	@scripts/clean
