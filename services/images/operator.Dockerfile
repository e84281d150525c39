# The operator: holds neither torch nor Ray.
#   docker build --file services/images/operator.Dockerfile --tag lepton-operator .
FROM debian:bookworm-slim
COPY services/images/install.sh /tmp/
COPY requirements /tmp/requirements
RUN /tmp/install.sh operator /tmp/requirements && rm -r /tmp/install.sh /tmp/requirements
WORKDIR /opt/lepton/app
COPY lepton lepton
COPY operators operators
ENV PATH=/opt/lepton/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/lepton/app PYTHONDONTWRITEBYTECODE=1
USER 10001
ENTRYPOINT ["python", "-m", "operators.lepton_operator"]
