"""What an operator calls: up, down, status, sessions, tests, benches; and the synthetic speaker.

It talks to a deployment by its HTTP API and its playbooks; running parts (broker, collector, gateway) never import it.
"""
