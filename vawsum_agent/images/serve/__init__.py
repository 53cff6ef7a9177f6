"""Where visitors find a picture: the web server's configuration, made of the folders'. Pure; asks no server."""
