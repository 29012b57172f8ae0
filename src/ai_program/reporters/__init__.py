"""One result, many readers: each module here renders a result as text in one format."""
