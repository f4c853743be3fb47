"""The drift sentry: has what is measured left the reference it was measured on?"""
