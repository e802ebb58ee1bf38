# Two images: the server (the last stage), and what makes reports and learns (`--target reports`).
#
# The base is named by its digest, which whoever builds looks up where they get it from:
#   docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}'
#   docker build --build-arg DIGEST=sha256:... --tag channel-router:VERSION .
# Without one nothing is built: a tag names something else tomorrow. Any Debian with Python 3.11 does.
ARG BASE=python:3.11-slim-bookworm
ARG DIGEST

FROM ${BASE}@${DIGEST} AS wheel
ENV PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements-build.lock ./
RUN python -m venv /build \
    && /build/bin/pip install --no-deps --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY deploy/wheel deploy/wheel
COPY router router
RUN PATH=/build/bin:$PATH deploy/wheel /wheels

# What is served with is installed from outside: neither pip nor setuptools is in it.
FROM ${BASE}@${DIGEST} AS server-libraries
ENV PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv --without-pip /app \
    && pip --python /app/bin/python install --no-deps --require-hashes -r requirements.lock
COPY --from=wheel /wheels /wheels
RUN pip --python /app/bin/python install --no-deps --no-index /wheels/*.whl

FROM ${BASE}@${DIGEST} AS reports-libraries
ENV PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements-reports.lock ./
RUN python -m venv --without-pip /app \
    && pip --python /app/bin/python install --no-deps --require-hashes -r requirements-reports.lock
COPY --from=wheel /wheels /wheels
RUN pip --python /app/bin/python install --no-deps --no-index /wheels/*.whl

# Ledger, plans, scores, exports; learning and its reports. It serves nothing.
FROM ${BASE}@${DIGEST} AS reports
COPY --from=reports-libraries /app /app
COPY training /srv/training
COPY models /srv/models
COPY policies /srv/policies
# Drawing keeps a list of fonts where it may write.
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp
WORKDIR /srv
USER 65532:65532
ENTRYPOINT ["python", "-m"]
CMD ["router", "ledger", "--help"]

FROM ${BASE}@${DIGEST} AS server
COPY --from=server-libraries /app /app
COPY models /srv/models
COPY policies /srv/policies
# Nothing but the journal's volume is written to: run with a read-only root file system.
# It listens to other machines, and so refuses to start without ROUTER_TLS_CERTIFICATE, ROUTER_TLS_KEY and a callers' file (ROUTER_CALLERS)
# from a volume, or ROUTER_INSECURE_LISTEN=1 behind a mesh. Over TLS the health check needs ROUTER_HEALTH_TLS_CA and its likes.
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    ROUTER_LISTEN=0.0.0.0:50051 \
    ROUTER_METRICS=0.0.0.0:9464 \
    ROUTER_MODELS=/srv/models \
    ROUTER_POLICIES=/srv/policies \
    ROUTER_JOURNAL=sqlite:////data/journal.db \
    ROUTER_LAST_GOOD=/data/last-good
RUN install -d -o 65532 -g 65532 /data
VOLUME /data
WORKDIR /srv
USER 65532:65532
EXPOSE 50051 9464
# The platform probes the admin port; a second Python every few seconds would cost more than it tells.
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "router"]
CMD ["serve"]
