package postgres

// VersionError is for a server too old to be at hand in a test.
var VersionError = versionError

// PrivateURL is what Private.URL returns for a data folder.
func PrivateURL(dir string) (string, error) {
	place, err := newPlace(dir)
	return place.url(databaseName), err
}
