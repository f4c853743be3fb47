// Command controller is the operator's peer in benchmark P9: a minimal controller on controller-runtime.
//
// It makes for each Parcel the children that it is given as templates, by server-side apply, and reports in the
// Parcel's status. As the operator, it watches its children and writes none that is as it was applied last.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

const (
	owner   = client.FieldOwner("bench-peer")
	applied = "bench.invalid/applied"
)

var parcel = schema.GroupVersionKind{Group: "bench.invalid", Version: "v1", Kind: "Parcel"}

type reconciler struct {
	client.Client
	templates string // a JSON list of manifests; @NAME@ and @UID@ stand for those of the Parcel
}

// Reconcile makes the children of one Parcel.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	live := object(parcel)
	if err := r.Get(ctx, request.NamespacedName, live); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	children, err := r.render(live)
	if err != nil {
		return ctrl.Result{}, err
	}
	for _, child := range children {
		if err := r.child(ctx, live, child); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.report(ctx, live, len(children))
}

func (r *reconciler) render(live *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	text := strings.NewReplacer("@NAME@", live.GetName(), "@UID@", string(live.GetUID())).Replace(r.templates)
	var found []*unstructured.Unstructured
	return found, json.Unmarshal([]byte(text), &found)
}

func (r *reconciler) child(ctx context.Context, live, child *unstructured.Unstructured) error {
	if child.GetNamespace() == live.GetNamespace() {
		child.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(live, parcel)})
	}
	text, err := json.Marshal(child.Object)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	there := object(child.GroupVersionKind())
	if err := r.Get(ctx, client.ObjectKeyFromObject(child), there); client.IgnoreNotFound(err) != nil {
		return err
	} else if err == nil && there.GetAnnotations()[applied] == digest {
		return nil
	}
	annotations := child.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[applied] = digest
	child.SetAnnotations(annotations)
	return r.Apply(ctx, client.ApplyConfigurationFromUnstructured(child), owner, client.ForceOwnership)
}

func (r *reconciler) report(ctx context.Context, live *unstructured.Unstructured, children int) error {
	observed, _, _ := unstructured.NestedInt64(live.Object, "status", "observedGeneration")
	if observed == live.GetGeneration() {
		return nil
	}
	status := object(parcel)
	status.SetName(live.GetName())
	status.SetNamespace(live.GetNamespace())
	status.Object["status"] = map[string]any{
		"observedGeneration": live.GetGeneration(),
		"children":           int64(children),
	}
	return r.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(status), owner, client.ForceOwnership)
}

func object(kind schema.GroupVersionKind) *unstructured.Unstructured {
	made := &unstructured.Unstructured{}
	made.SetGroupVersionKind(kind)
	return made
}

func run() error {
	kubeconfig := flag.String("kubeconfig-file", "", "cluster to work on")
	templates := flag.String("templates", "", "file with a JSON list of the children of each Parcel")
	qps := flag.Float64("qps", 50, "requests a second")
	burst := flag.Int("burst", 100, "requests at once")
	workers := flag.Int("workers", 8, "Parcels at the same time")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	text, err := os.ReadFile(*templates)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = float32(*qps), *burst
	made, err := manager.New(config, manager.Options{
		Metrics: server.Options{BindAddress: "0"},
		Client:  client.Options{Cache: &client.CacheOptions{Unstructured: true}},
	})
	if err != nil {
		return err
	}
	if err := watch(made, string(text), *workers); err != nil {
		return err
	}
	return made.Start(log.IntoContext(ctrl.SetupSignalHandler(), ctrl.Log))
}

// watch follows Parcels, and each kind of child once.
func watch(made manager.Manager, templates string, workers int) error {
	var children []*unstructured.Unstructured
	if err := json.Unmarshal([]byte(templates), &children); err != nil {
		return err
	}
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	build := ctrl.NewControllerManagedBy(made).Named("parcels").For(object(parcel), changed)
	owned := handler.EnqueueRequestForOwner(made.GetScheme(), mapper(made), object(parcel), handler.OnlyControllerOwner())
	seen := map[schema.GroupVersionKind]bool{}
	for _, child := range children {
		kind := child.GroupVersionKind()
		if !seen[kind] {
			build = build.Watches(object(kind), owned)
		}
		seen[kind] = true
	}
	options := controller.Options{MaxConcurrentReconciles: workers}
	return build.WithOptions(options).Complete(&reconciler{made.GetClient(), templates})
}

func mapper(made manager.Manager) meta.RESTMapper { return made.GetRESTMapper() }

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "controller:", err)
		os.Exit(1)
	}
}
