"""The function that runs automated responses: within their guard rails, once, looked at afterwards, and told."""
