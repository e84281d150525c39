# Trains, compresses and proves: the image of RayJobs and gates.
#   docker build --file services/images/worker.Dockerfile --tag lepton-worker .
FROM debian:bookworm-slim
COPY services/images/install.sh /tmp/
COPY requirements /tmp/requirements
RUN /tmp/install.sh worker /tmp/requirements && rm -r /tmp/install.sh /tmp/requirements
WORKDIR /opt/lepton/app
COPY lepton lepton
COPY services services
ENV PATH=/opt/lepton/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/lepton/app PYTHONDONTWRITEBYTECODE=1 ORT_DISABLE_TELEMETRY=1 RAY_USAGE_STATS_ENABLED=0
USER 10001
