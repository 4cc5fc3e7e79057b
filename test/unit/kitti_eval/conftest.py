from temporary_folder import in_temporary_folder  # noqa: F401
