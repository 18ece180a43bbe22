#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Kite Authors
# SPDX-License-Identifier: Apache-2.0

# webhooks.sh ci|alert|signed fail|recover: sends to the gateway at ADDRESS what a CI system,
# Alertmanager or a sender with a secret sends, about NAMESPACE. The first two have the
# Kubernetes token TOKEN. CA is a file, STARTS when the alert began to fire.

set -o errexit -o nounset -o pipefail

host=kite-gateway.kite-system.svc

send() {
    curl --silent --show-error --fail-with-body --max-time 20 --retry 5 --retry-connrefused \
        --connect-to "${host}:443:${ADDRESS}" --cacert "${CA}" \
        -H "$3" -H 'Content-Type: application/json' --data "$2" "https://${host}$1"
    echo
}

post() {
    send "$1" "$2" "Authorization: Bearer ${TOKEN}"
}

deploy() {
    local body
    body="{\"name\": \"shop\", \"state\": \"$1\", \"at\": \"$(date -u +%FT%T.%3NZ)\"}"
    send "/webhooks/${NAMESPACE}/deploys" "${body}" \
        "X-Hub-Signature-256: sha256=$(printf %s "${body}" | openssl dgst -sha256 -hmac of-the-test -r | cut -d' ' -f1)"
}

alert() {
    cat <<END
{"version": "4", "status": "$1", "receiver": "kite", "groupKey": "{}:{alertname=\"KubeJobNotCompleted\"}",
 "alerts": [{"status": "$1", "fingerprint": "c0ffee", "startsAt": "${STARTS}", "endsAt": "$2",
   "labels": {"alertname": "KubeJobNotCompleted", "severity": "warning", "namespace": "kube-system", "exported_namespace": "${NAMESPACE}", "cronjob": "report"},
   "annotations": {"summary": "The report takes too long"}}]}
END
}

case "$1 $2" in
"ci fail")
    post "/api/v1/webhooks/pipeline-failure?namespace=${NAMESPACE}" \
        "{\"pipelineName\": \"nightly\", \"namespace\": \"${NAMESPACE}\", \"failureReason\": \"3 of 214 tests failed\", \"runId\": \"nightly-812\"}"
    ;;
"ci recover")
    post "/api/v1/webhooks/pipeline-success?namespace=${NAMESPACE}" \
        "{\"pipelineName\": \"nightly\", \"namespace\": \"${NAMESPACE}\"}"
    ;;
"alert fail")
    post /api/v1/webhooks/alertmanager "$(alert firing 0001-01-01T00:00:00Z)"
    ;;
"alert recover")
    post /api/v1/webhooks/alertmanager "$(alert resolved "$(date -u +%FT%T.%3NZ)")"
    ;;
"signed fail")
    deploy failed
    ;;
"signed recover")
    deploy "done"
    ;;
*)
    echo "usage: $0 ci|alert|signed fail|recover" >&2
    exit 2
    ;;
esac
