"""The audit log: who did what, when, by which right; append-only, and any change of it can be shown.

`log.AuditLog` appends and reads, `verify.verify` finds tampering, `proofs` makes what a third party can check. Import
the module you need: each pulls in only what it uses.
"""
