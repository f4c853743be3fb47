{{/* The fields of alphatrade_operator.settings.Settings, in their order there. */}}
{{- define "alphatrade.settings" -}}
{{- $operator := .Values.operator -}}
profile: {{ .Values.profile }}
operator_namespace: {{ .Release.Namespace }}
scope: {{ .Values.rbac.scope }}
namespaces: {{ toJson $operator.namespaces }}
runtime_image: {{ .Values.runtimeImage | default (include "alphatrade.image" .) | quote }}
image_pull_policy: {{ .Values.image.pullPolicy }}
artifact_store:
  claim_name: {{ with .Values.artifactStore.claimName }}{{ . | quote }}{{ else }}null{{ end }}
  host_path: {{ with .Values.artifactStore.hostPath }}{{ . | quote }}{{ else }}null{{ end }}
  single_node: {{ .Values.artifactStore.singleNode }}
feature_flag_ceilings:
  fast_weights: {{ $operator.featureFlagCeilings.fastWeights }}
  linear_attention: {{ $operator.featureFlagCeilings.linearAttention }}
  exploration: {{ $operator.featureFlagCeilings.exploration }}
  auto_governed_feedback: {{ $operator.featureFlagCeilings.autoGovernedFeedback }}
limit_ceilings: {{ toJson $operator.limitCeilings }}
experiment_may_paper: {{ $operator.experimentMayPaper }}
certificate_lifetime_s: {{ $operator.certificateLifetimeSeconds }}
repair_s: {{ $operator.repairSeconds }}
status_poll_s: {{ $operator.statusPollSeconds }}
status_min_interval_s: {{ $operator.statusMinIntervalSeconds }}
lease_duration_s: {{ $operator.leaseDurationSeconds }}
workers: {{ $operator.workers }}
client_qps: {{ $operator.clientQps }}
client_burst: {{ $operator.clientBurst }}
http_port: 8080
grpc_port: 7443
{{- end }}
