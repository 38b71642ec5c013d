"""Run history: every execution, its states, its measures and its outcome.

`store.HistoryStore` writes and reads runs, `frames.runs_df` reads them as a DataFrame for learning, and
`statistics.compute` sums them up. Import the module you need: each pulls in only what it uses.
"""
