"""Approvals: other people agree to one exact plan, for a while, once.

`binding.binding_hash` is what an approval is bound to, `store.ApprovalStore` keeps requests and votes, `rules` decides.
"""
