"""The HTTP API: shapes of requests and answers, who may ask what, and errors as problem documents.

One blueprint per subject. Nothing here decides or touches a node: each call makes a request record and gives it to
the desk. What is said in HTTP about an error stands in ``problems`` alone.
"""
