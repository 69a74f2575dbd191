"""What several engines share. The modules beside this folder are the engines."""
