package paho

import "github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"

type (
	// An Auther takes part in an enhanced authentication.
	Auther interface {
		// Authenticate is called with each AUTH of the server that asks for more. What it returns is sent.
		Authenticate(*Auth) *Auth
		// Authenticated is called when the server has accepted the client.
		Authenticated()
	}

	// An Auth is an AUTH packet.
	Auth struct {
		Properties *AuthProperties
		ReasonCode byte
	}

	// AuthProperties are the properties of an AUTH packet.
	AuthProperties struct {
		AuthData     []byte
		AuthMethod   string
		ReasonString string
		User         UserProperties
	}

	// An AuthResponse says how a re-authentication ended.
	AuthResponse struct {
		Properties *AuthProperties
		ReasonCode byte
		Success    bool
	}
)

// InitProperties sets the properties from those of package packets.
func (a *Auth) InitProperties(p *packets.Properties) {
	p = orNone(p)
	a.Properties = &AuthProperties{
		AuthData:     p.AuthData,
		AuthMethod:   p.AuthMethod,
		ReasonString: p.ReasonString,
		User:         UserPropertiesFromPacketUser(p.User),
	}
}

// AuthFromPacketAuth returns an AUTH of package packets as this package has it.
func AuthFromPacketAuth(a *packets.Auth) *Auth {
	auth := &Auth{ReasonCode: a.ReasonCode}
	auth.InitProperties(a.Properties)
	return auth
}

// Packet returns the AUTH as package packets has it.
func (a *Auth) Packet() *packets.Auth {
	auth := &packets.Auth{ReasonCode: a.ReasonCode}
	if p := a.Properties; p != nil {
		auth.Properties = &packets.Properties{
			AuthData:     p.AuthData,
			AuthMethod:   p.AuthMethod,
			ReasonString: p.ReasonString,
			User:         p.User.ToPacketProperties(),
		}
	}
	return auth
}

// AuthResponseFromPacketAuth returns what an AUTH that ends an authentication says: success.
func AuthResponseFromPacketAuth(a *packets.Auth) *AuthResponse {
	return authResponse(true, a.ReasonCode, a.Properties)
}

// AuthResponseFromPacketDisconnect returns what a DISCONNECT that ends an authentication says: failure.
func AuthResponseFromPacketDisconnect(d *packets.Disconnect) *AuthResponse {
	return authResponse(false, d.ReasonCode, d.Properties)
}

func authResponse(success bool, reason byte, p *packets.Properties) *AuthResponse {
	p = orNone(p)
	return &AuthResponse{
		Success:    success,
		ReasonCode: reason,
		Properties: &AuthProperties{ReasonString: p.ReasonString, User: UserPropertiesFromPacketUser(p.User)},
	}
}
