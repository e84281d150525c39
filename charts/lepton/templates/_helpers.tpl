{{- define "lepton.name" -}}
{{ .Release.Name }}-operator
{{- end }}

{{- define "lepton.selector" -}}
app.kubernetes.io/name: lepton
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "lepton.labels" -}}
{{ include "lepton.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "lepton.image" -}}
{{- $image := get .root.Values.images .name -}}
{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "lepton.settings" -}}
{{- $images := dict "workerImage" (include "lepton.image" (dict "root" . "name" "worker")) "serverImage" (include "lepton.image" (dict "root" . "name" "server")) -}}
{{ merge (set $images "pullSecrets" .Values.images.pullSecrets) .Values.settings | toYaml }}
{{- end }}

{{- /* The namespaces in which the chart makes what models need, as a list in JSON. */ -}}
{{- define "lepton.namespaces" -}}
{{ ternary (list .Values.watch.namespace) .Values.models.namespaces (not (empty .Values.watch.namespace)) | toJson }}
{{- end }}
