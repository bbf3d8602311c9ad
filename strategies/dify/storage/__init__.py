"""What outlives a run, in Dify's storage: keys, sizes, expiry and the form of what is kept.

Dify keeps it apart for each workspace. Nothing here may fail a run or hold it up by more than a
moment: what cannot be read counts as absent, and the run's log says why.
"""
