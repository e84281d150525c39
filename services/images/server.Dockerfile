# Triton, and what fetches and verifies the model that it serves.
#   docker build --file services/images/server.Dockerfile --tag lepton-server .
FROM debian:bookworm-slim
COPY services/images/install.sh /tmp/
COPY requirements /tmp/requirements
RUN /tmp/install.sh server /tmp/requirements && rm -r /tmp/install.sh /tmp/requirements
WORKDIR /opt/lepton/app
COPY lepton lepton
COPY services services
ENV PATH=/opt/lepton/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/lepton/app PYTHONDONTWRITEBYTECODE=1 ORT_DISABLE_TELEMETRY=1
USER 10001
