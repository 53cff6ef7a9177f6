"""Elastic Load Balancing v2 and the groups of EC2 Auto Scaling, with real probes and a real balancer before real hosts.

health          what probes make of a target, as pure functions
target_group    one group: its rules and who is registered
targets         all groups, as the service and the balancer see them
hosts           the instances there are, where they listen and what they say of themselves
scaling         Auto Scaling groups: who is in service, in standby, on the way out
prober          asks targets how they are
feeder          tells nginx whom to send requests to
service         the operations of the API; `parameters` reads what is asked, `described` writes answers
balancing       all of it together, and the admin API's way to it
"""
