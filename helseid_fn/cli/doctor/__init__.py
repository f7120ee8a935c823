"""`helseid-fn doctor`: what is wrong between here and the API, the cause first."""
