// The cluster's name server: Services and their pods, as the DNS specification of Kubernetes names them, from
// what the API server says at this moment. A and AAAA over UDP; there is no world beyond the cluster to ask.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/dns/dnsmessage"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/clientcmd"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

const (
	ttlSeconds   = 1
	largestQuery = 4096
)

type nameServer struct {
	domain   string              // "cluster.local"
	hosts    map[string][]net.IP // names beside the cluster's own
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
}

func dnsCommand() *cobra.Command {
	var kubeconfig, listen, domain string
	var hosts []string
	command := &cobra.Command{Use: "dns", SilenceUsage: true, RunE: func(command *cobra.Command, _ []string) error {
		server, err := newNameServer(kubeconfig, domain, hosts, command.Context().Done())
		if err != nil {
			return err
		}
		socket, err := net.ListenPacket("udp", listen)
		if err != nil {
			return err
		}
		return server.serve(socket)
	}}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&listen, "listen", "127.0.0.1:53", "address and UDP port")
	command.Flags().StringVar(&domain, "domain", "cluster.local", "the cluster's domain")
	command.Flags().StringSliceVar(&hosts, "host", nil, "NAME=ADDRESS, a name beside the cluster's own")
	return command
}

func newNameServer(kubeconfig, domain string, hosts []string, stop <-chan struct{}) (*nameServer, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	server := &nameServer{
		domain:   domain,
		hosts:    map[string][]net.IP{},
		services: factory.Core().V1().Services().Lister(),
		slices:   factory.Discovery().V1().EndpointSlices().Lister(),
	}
	for _, host := range hosts {
		name, address, _ := strings.Cut(host, "=")
		server.hosts[name] = append(server.hosts[name], net.ParseIP(address))
	}
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	return server, nil
}

func (server *nameServer) serve(socket net.PacketConn) error {
	buffer := make([]byte, largestQuery)
	for {
		length, peer, err := socket.ReadFrom(buffer)
		if err != nil {
			return err
		}
		answer, err := server.answer(buffer[:length])
		if err == nil {
			_, err = socket.WriteTo(answer, peer)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "query of %s: %v\n", peer, err)
		}
	}
}

func (server *nameServer) answer(query []byte) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	message := dnsmessage.Message{
		Header: dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true,
			RecursionDesired: header.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{question},
	}
	addresses, known := server.lookup(strings.ToLower(strings.TrimSuffix(question.Name.String(), ".")))
	if !known {
		message.RCode = dnsmessage.RCodeNameError
	}
	for _, address := range addresses {
		if v4 := address.To4(); v4 != nil && question.Type == dnsmessage.TypeA {
			message.Answers = append(message.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: ttlSeconds},
				Body:   &dnsmessage.AResource{A: [4]byte(v4)},
			})
		}
	}
	return message.Pack()
}

// Addresses of a name in lower case without the last dot, and whether there is such a name.
func (server *nameServer) lookup(name string) ([]net.IP, bool) {
	if addresses, known := server.hosts[name]; known {
		return addresses, true
	}
	path, inside := strings.CutSuffix(name, ".svc."+server.domain)
	if !inside {
		return nil, false
	}
	words := strings.Split(path, ".") // [HOSTNAME] SERVICE NAMESPACE
	if len(words) != 2 && len(words) != 3 {
		return nil, false
	}
	service, err := server.services.Services(words[len(words)-1]).Get(words[len(words)-2])
	if err != nil {
		return nil, false
	}
	if len(words) == 2 && service.Spec.ClusterIP != corev1.ClusterIPNone {
		return []net.IP{net.ParseIP(service.Spec.ClusterIP)}, true
	}
	hostname := strings.Join(words[:len(words)-2], "")
	addresses := server.endpoints(service, hostname)
	return addresses, hostname == "" || len(addresses) > 0
}

// Of the service's ready pods (of all, where it publishes those that are not); with a hostname, of that pod alone.
func (server *nameServer) endpoints(service *corev1.Service, hostname string) []net.IP {
	owned := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service.Name})
	slices, err := server.slices.EndpointSlices(service.Namespace).List(owned)
	if err != nil {
		return nil
	}
	var found []net.IP
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready || service.Spec.PublishNotReadyAddresses
			named := hostname == "" || endpoint.Hostname != nil && *endpoint.Hostname == hostname
			if ready && named {
				found = append(found, net.ParseIP(endpoint.Addresses[0]))
			}
		}
	}
	return found
}
