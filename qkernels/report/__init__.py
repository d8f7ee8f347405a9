"""The report: its data model (`record`) and the writers that draw it as HTML, Markdown, CSV, JSON and a console table."""
