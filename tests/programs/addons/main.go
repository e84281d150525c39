// Says which connections NetworkPolicies let through, by the rules of kube-network-policies, which enforces them elsewhere.
// Reads {"policies": [...], "questions": [{"from", "to", "port", "protocol"}]} and writes a list of true and false.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"os"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kube-network-policies/pkg/api"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

type place struct {
	Namespace string            `json:"namespace"` // none: not a pod
	Labels    map[string]string `json:"labels"`
}

type question struct {
	From     place       `json:"from"`
	To       place       `json:"to"`
	Port     int         `json:"port"`
	Protocol v1.Protocol `json:"protocol"`
}

var (
	somewhere = net.ParseIP("203.0.113.1")
	fromPort  = 40000
)

func main() {
	var asked struct {
		Policies  []*networkingv1.NetworkPolicy `json:"policies"`
		Questions []question                    `json:"questions"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	answers := make([]bool, len(asked.Questions))
	for i, q := range asked.Questions {
		answers[i] = isLetThrough(asked.Policies, q)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}

func isLetThrough(policies []*networkingv1.NetworkPolicy, q question) bool {
	ctx, from, to := context.Background(), pod(q.From), pod(q.To)
	out := networkpolicy.EvaluatePolicyDirection(ctx, of(policies, from), networkingv1.PolicyTypeEgress,
		from, fromPort, to, somewhere, q.Port, q.Protocol)
	return out && networkpolicy.EvaluatePolicyDirection(ctx, of(policies, to), networkingv1.PolicyTypeIngress,
		to, q.Port, from, somewhere, fromPort, q.Protocol)
}

func pod(p place) *api.PodInfo {
	if p.Namespace == "" {
		return nil
	}
	made := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Labels: p.Labels}}
	return api.NewPodInfo(made, map[string]string{v1.LabelMetadataName: p.Namespace}, nil, "")
}

// The policies that select a pod.
func of(policies []*networkingv1.NetworkPolicy, pod *api.PodInfo) []*networkingv1.NetworkPolicy {
	var found []*networkingv1.NetworkPolicy
	for _, policy := range policies {
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err != nil {
			log.Fatal(err)
		}
		if pod != nil && policy.Namespace == pod.Namespace.Name && selector.Matches(labels.Set(pod.Labels)) {
			found = append(found, policy)
		}
	}
	return found
}
