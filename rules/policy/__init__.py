"""What a person wants of a link: typed and immutable, with the texts in it parsed."""
