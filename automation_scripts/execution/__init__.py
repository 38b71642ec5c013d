"""One governed execution: resolved, admitted, planned, applied, verified and recorded, whoever started it."""
