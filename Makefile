# The entry point of the project. `make` without a target lists the targets.
PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV := .venv
RUN := $(VENV)/bin/python
EMR_PIPELINE := PYTHONPATH=plugins $(RUN) -m emr_pipeline.cli
SPARK4 := .venv-spark4
BENCHMARK := .venv-benchmark
UI := .venv-ui
NOTEBOOK := .venv-notebook
AWSCLI := .venv-awscli
MWAA := .venv-mwaa
OPENLINEAGE := .venv-openlineage
TPC := .venv-tpc
S3A := .venv-s3a
PEERS := .venv-peers
DBT := .venv-dbt
IAM_SIMULATE := tests/infra/iam-simulate

.DEFAULT_GOAL := help
.PHONY: help run up down deploy doctor undeploy package test test-spark4 test-mwaa test-backfill test-ui test-openlineage test-peers test-s3a test-wheels permissions chaos benchmark benchmark-mllib benchmark-dag benchmark-aws benchmark-athena emr-costs data-dictionary prices state-machine test-state-machine lint clean notebook test-notebook test-setup

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-20s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/complete ## Run the pipeline on this machine: [DAG=word_count] [INPUT=file.csv] [ROWS=n] [K=n] [AWS=account] [any param of the form]
	@$(RUN) -m devtools.run $(filter-out PYTHON=%,$(MAKEOVERRIDES))

up: ## Start Airflow and the local AWS in Docker and wait until they are healthy; settings are in .env
	@$(PYTHON) -m devtools.compose up

down: ## Stop the services of `up`; the data is kept
	@$(PYTHON) -m devtools.compose down

deploy: $(VENV)/complete ## Create or update the AWS resources and write .env.aws: [ARGS="--alert-email me@example.com ..."]
	@$(EMR_PIPELINE) deploy $(ARGS)

doctor: $(VENV)/complete ## Check the account and the settings before the first run: [ARGS="--core-nodes 10 --spot-share 0.5"]
	@$(EMR_PIPELINE) doctor $(ARGS)

undeploy: $(VENV)/complete ## Delete the AWS resources except the bucket and its key: [ARGS="--yes"]
	@$(EMR_PIPELINE) undeploy $(ARGS)

package: $(VENV)/complete ## Build dist/ for Amazon MWAA and for a git-synced Airflow: [WHEELS=1, for an MWAA without internet]
	@$(RUN) -m devtools.package $(if $(WHEELS),--wheels)

# tests/distribution.py has the distribution and the order of the tests. PYTHONDONTWRITEBYTECODE, which some machines
# set, would make each worker and each process that a test starts compile all modules again.
test: lint ## Run ruff, mypy and the tests
	@$(RUN) -m localaws.spark.make_class_archive
	@PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -n auto --no-loadscope-reorder

test-spark4: $(SPARK4)/complete ## Run the tests of the Spark jobs on Spark 4; needs JDK 17
	@$(SPARK4)/bin/python -m pytest tests/spark --confcutdir tests/spark -p tests.spark.session

test-mwaa: $(VENV)/complete $(MWAA)/complete ## Test the DAGs with the versions of Amazon MWAA: [PYTHON=/path/to/python3.12]
	@$(MWAA)/bin/python -m pytest tests/dags --confcutdir tests/dags --ignore tests/dags/sales_segmentation/test_state_machine.py
	@$(RUN) -m pytest -m mwaa tests/mwaa

test-backfill: $(VENV)/complete ## Backfill ten dates on Airflow's own processes with the local AWS
	@$(RUN) -m pytest -m backfill tests/e2e

test-ui: $(VENV)/complete $(UI)/complete ## Test the web UI in a real browser: [SCREENSHOTS=folder] [UI_URL=address UI_USER=name UI_PASSWORD=secret]
	@PYTHONPATH=$(UI)/lib/python3.11/site-packages $(RUN) -m pytest -m ui tests/ui -s

test-openlineage: $(VENV)/complete $(OPENLINEAGE)/complete ## Run the pipeline with the OpenLineage provider and check its events
	@PYTHONPATH=$(OPENLINEAGE) $(RUN) -m pytest -m openlineage tests/openlineage

test-peers: $(VENV)/complete $(PEERS)/complete $(DBT)/complete $(AWSCLI)/complete ## Test PyAthena, awswrangler, dbt and the AWS CLI against the local AWS
	@$(PEERS)/bin/python -m pytest -m peers tests/peers --confcutdir tests/peers

test-s3a: $(VENV)/complete $(S3A)/complete ## Test steps with Spark's connector S3A, which sends S3 requests, and with faults of S3
	@$(RUN) -m pytest -m s3a tests/localaws/emr

test-wheels: $(VENV)/complete ## Install the wheels with large dependencies, such as Spark, into empty environments and use them
	@$(RUN) -m pytest -m wheels tests

permissions: $(VENV)/complete $(IAM_SIMULATE)/node_modules/.package-lock.json ## Record runs and evaluate the policies of infra/; needs Node 20: [RENEW=1]
	@$(if $(RENEW),RENEW=1) $(RUN) -m pytest -m permissions tests/infra

chaos: $(VENV)/complete ## Run the DAG on Airflow's own processes with injected faults, and print the result of each case
	@$(RUN) -m pytest -m chaos tests/e2e -s

benchmark: $(BENCHMARK)/complete ## Compare the jobs with the original notebook, pandas and DuckDB: [SCALE=n] [CUSTOMERS=n] [RUNS=n] [ONLY="name ..."]
	@$(BENCHMARK)/bin/python -m localaws.spark.make_class_archive
	@$(BENCHMARK)/bin/python -m benchmarks $(foreach name,SCALE CUSTOMERS RUNS ONLY,$(if $($(name)),$(name)="$($(name))"))

benchmark-mllib: $(BENCHMARK)/complete ## Compare k-means and PCA of the jobs with Spark MLlib's: [CUSTOMERS=n] [K_MAX=n]
	@PYTHONPATH=spark $(BENCHMARK)/bin/python -m benchmarks.mllib $(foreach name,CUSTOMERS K_MAX,$(if $($(name)),$(name)="$($(name))"))

benchmark-dag: $(VENV)/complete ## Measure a successful run of the DAG on Airflow's own processes: [ROWS=n]
	@$(RUN) -m benchmarks.dag_run $(if $(ROWS),ROWS=$(ROWS))

benchmark-aws: $(VENV)/complete ## Measure the local AWS and moto's server under load, and write benchmarks/local_aws.md
	@$(RUN) -m benchmarks.local_aws

benchmark-athena: $(VENV)/complete $(TPC)/complete ## Measure the local Athena next to DuckDB, with TPC-H and TPC-DS: [SCALE=0.01]
	@PYTHONPATH=$(TPC) $(RUN) -m benchmarks.local_athena $(SCALE)

emr-costs: $(VENV)/complete ## Write benchmarks/emr_costs.md: estimated cost and time on EMR for up to 10^10 lines
	@PYTHONPATH=plugins $(RUN) -m benchmarks.emr_costs

data-dictionary: $(VENV)/complete ## Write docs/data-dictionary.md and the comments of the Athena tables
	@PYTHONPATH=spark $(RUN) -m devtools.data_dictionary

prices: $(VENV)/complete ## Renew plugins/emr_pipeline/prices.json from the AWS Price List: [REGIONS="us-east-1 ..."]
	@PYTHONPATH=plugins $(RUN) -m devtools.prices $(REGIONS)

state-machine: $(VENV)/complete ## Write the state machines of AWS Step Functions to infra/: [BUCKET=name, to upload them too]
	@PYTHONPATH=dags:plugins $(RUN) -m devtools.state_machine $(BUCKET)

test-state-machine: $(VENV)/complete ## Execute the state machine with the local AWS, and compare its tables with those of the DAG
	@$(RUN) -m pytest -m state_machine tests/e2e

test-setup: $(VENV)/complete $(AWSCLI)/complete ## Run the commands of docs/aws-setup.md against the local AWS
	@$(RUN) -m pytest -m setup tests/docs

notebook: $(VENV)/complete $(NOTEBOOK)/complete ## Execute notebooks/explore.ipynb with the data of `run`, and render it to docs/explore.md
	@PYTHONPATH=dags:plugins $(RUN) -m devtools.notebook $(NOTEBOOK)/bin/python

test-notebook: $(VENV)/complete $(NOTEBOOK)/complete ## Run the pipeline with a small sample, and execute the notebook with its data
	@$(RUN) -m pytest -m notebook tests/notebooks

lint: $(VENV)/complete ## Run ruff and mypy
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy

clean: ## Remove all local data (.local, and the data of `up`); the environments are kept
	@rm -rf .local
	@$(PYTHON) -m devtools.compose clean

$(VENV)/complete: requirements.txt requirements-dev.txt
	@$(PYTHON) devtools/make_venv.py $(VENV) $^

$(AWSCLI)/complete: requirements-awscli.txt
	@$(PYTHON) devtools/make_venv.py $(AWSCLI) $^

$(NOTEBOOK)/complete: requirements-notebook.txt
	@$(PYTHON) devtools/make_venv.py $(NOTEBOOK) $^

$(SPARK4)/complete: requirements-spark4.txt
	@$(PYTHON) devtools/make_venv.py $(SPARK4) $^

$(MWAA)/complete: requirements-mwaa-image.txt requirements-mwaa.txt
	@$(PYTHON) devtools/make_venv.py $(MWAA) $^

$(BENCHMARK)/complete: requirements-benchmark.txt
	@$(PYTHON) devtools/make_venv.py $(BENCHMARK) $^

$(PEERS)/complete: requirements-peers.txt
	@$(PYTHON) devtools/make_venv.py $(PEERS) $^

$(DBT)/complete: requirements-dbt.txt
	@$(PYTHON) devtools/make_venv.py $(DBT) $^

$(TPC)/complete: requirements-tpc.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --target $(TPC) -r $<
	@touch $@

# Contains only playwright, and is used together with the usual environment.
$(UI)/complete: requirements-ui.txt
	@$(PYTHON) devtools/make_venv.py $(UI) $^

# Contains only the provider and those of its dependencies that the usual environment lacks.
$(OPENLINEAGE)/complete: requirements-openlineage.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --target $(OPENLINEAGE) -r $<
	@touch $@

# Contains only jars, about 200 MB.
$(S3A)/complete: requirements-s3a.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --target $(S3A) -r $<
	@touch $@

$(IAM_SIMULATE)/node_modules/.package-lock.json: $(IAM_SIMULATE)/package-lock.json
	@command -v npm >/dev/null || { echo "make permissions needs Node 20 with npm: https://nodejs.org"; exit 1; }
	@npm ci --prefix $(IAM_SIMULATE) --no-fund --no-audit
	@touch $@
