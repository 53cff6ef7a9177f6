"""Makes an unpacked release fit to be served: links to what releases share, folders the application may write to.

`prepare` is the step; `shared` makes links, `writable` gives folders away, `beneath` opens what is on the way to them,
`paths` says what may be named at all.
"""
