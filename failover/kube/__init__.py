"""The clusters, reached through `kubernetes.aio`: the only package that imports `kubernetes`.

fleetfile -> which clusters there are          kubeconfig, credentials, configuration -> how to
fleet     -> the port, for all of them         reach one, with credentials that never grow old
cluster   -> the verbs of one                  connection -> one bounded pool of requests
discovery -> the kinds that one serves         errors     -> what an answer means
watching  -> one endless list-and-watch        following  -> shared by all who follow
"""
