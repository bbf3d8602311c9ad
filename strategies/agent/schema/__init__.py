"""JSON Schema: arguments of calls and structured answers, held against what was asked for.

Pure functions of values and schemas: nothing here may run a tool, ask a model or fetch a schema.
"""
