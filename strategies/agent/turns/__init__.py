"""What one turn leaves to the next: calls that were made, and a question that waits for a yes.

It keeps nothing itself and knows no storage; what is kept where is for the adapter.
"""
