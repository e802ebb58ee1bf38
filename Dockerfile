# Pin the base image by digest in your own registry's copy.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY router router
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && /app/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim
COPY --from=build /app /app
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
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-m", "router", "health"]
ENTRYPOINT ["python", "-m", "router"]
CMD ["serve"]
