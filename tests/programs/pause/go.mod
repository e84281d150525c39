// The program that holds a pod together on the node of the end-to-end tests.
module lepton/tests/programs/pause

go 1.25.0
