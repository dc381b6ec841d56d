// Package programs names what the tests of other people's packages need beyond the packages, so that go.sum has it.
package programs

import (
	_ "github.com/golang/mock/gomock"
	_ "github.com/stretchr/testify/mock"
	_ "github.com/stretchr/testify/require"
)
