"""Regeneration: changed answers and newer templates reach a repository that a team has edited.

The locked version is rendered with the locked answers and the new version with the new ones. What
differs between the two renderings is merged by git itself onto a branch of its own, so that the
team gets git's own conflicts, its rename detection and its hooks, and no line of theirs is lost.
"""
