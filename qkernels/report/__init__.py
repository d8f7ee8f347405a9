"""The report: its data model (`record`), and the writers of HTML, Markdown, CSV, JSON and a console table."""
