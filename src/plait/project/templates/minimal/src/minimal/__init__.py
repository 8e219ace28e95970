"""How long does a trip take?"""
