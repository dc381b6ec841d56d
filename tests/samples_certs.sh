# SPDX-License-Identifier: MIT OR Apache-2.0
#
# make_certificates DIRECTORY: a certificate authority (ca.pem, also in hashed/), a server certificate
# for localhost and 127.0.0.1, one for another host, and a client certificate whose key has the
# password "opensesame". Sourced by samples.sh.

# issue DIRECTORY NAME SUBJECT EXTENSION...
issue() {
    local directory=$1 name=$2 subject=$3
    shift 3
    openssl req -newkey rsa:2048 -nodes -keyout "$directory/$name.key" -out "$directory/$name.csr" \
        -subj "$subject" 2>/dev/null &&
        openssl x509 -req -in "$directory/$name.csr" -CA "$directory/ca.pem" \
            -CAkey "$directory/ca.key" -CAcreateserial -days 2 -out "$directory/$name.pem" \
            -extfile <(printf '%s\n' "$@") 2>/dev/null
}

make_certificates() {
    local directory=$1
    mkdir -p "$directory/hashed" &&
        openssl req -x509 -newkey rsa:2048 -nodes -keyout "$directory/ca.key" \
            -out "$directory/ca.pem" -days 2 -subj '/CN=Test CA' 2>/dev/null &&
        issue "$directory" server /CN=localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1' &&
        issue "$directory" other /CN=other.example 'subjectAltName=DNS:other.example' &&
        issue "$directory" client '/CN=some device' 'extendedKeyUsage=clientAuth' &&
        openssl rsa -aes128 -passout pass:opensesame -in "$directory/client.key" \
            -out "$directory/client.enc" 2>/dev/null &&
        mv "$directory/client.enc" "$directory/client.key" &&
        cp "$directory/ca.pem" "$directory/hashed/" &&
        openssl rehash "$directory/hashed"
}
