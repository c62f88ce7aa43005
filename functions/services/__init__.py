"""Services that several functions share: they decide with core, save and publish."""
