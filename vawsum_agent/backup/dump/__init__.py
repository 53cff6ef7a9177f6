"""The dump: a client program's stream of SQL, cut into sections, compressed frame by frame, written as it comes."""
