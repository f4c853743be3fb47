{{/*
What every role may see. No Secret is here, and nothing that is another namespace's.
*/}}
{{- define "alphatrade.reads" -}}
- apiGroups: [alphatrade.io]
  resources:
    - strategies
    - risktemplates
    - explorationbudgets
    - killswitches
    - governanceproposals
    - signoffs
    - policyledgerentries
    - replays
    - evolutions
    - reflections
    - marketdatafeeds
    - brokerconnections
  verbs: [get, list, watch]
# Why something is not ready, as `kubectl alphatrade why` asks it: pods, logs, events, and the label of the namespace
# itself (a RoleBinding lets one get the namespace that it is in, and no other).
- apiGroups: [""]
  resources: [pods, events, configmaps, services, persistentvolumeclaims]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log, namespaces]
  verbs: [get]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [get, list, watch]
{{- end }}

{{/* Engaging a kill switch: whoever trades, watches the risk or runs the machines may stop it. */}}
{{- define "alphatrade.stops" -}}
- apiGroups: [alphatrade.io]
  resources: [killswitches]
  verbs: [create, update, patch]
{{- end }}
