// Adds two numbers over UDP, with Go's standard library alone: one datagram each way, within a deadline.
//
//	go run add_udp.go ADDRESS A B
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"
)

type request struct{ A, B int64 }

type answer struct {
	Sum   int64
	Error string
}

// A datagram may be lost, so the question is asked a few times.
const attempts = 3

func ask(conn net.Conn, asked request) (answer, error) {
	var said answer
	object, err := json.Marshal(asked)
	if err != nil {
		return said, err
	}
	buffer := make([]byte, 1500)
	for i := 0; i < attempts; i++ {
		if _, err = conn.Write(object); err != nil {
			return said, err
		}
		if err = conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			return said, err
		}
		var n int
		n, err = conn.Read(buffer)
		var timeout net.Error
		switch {
		case err == nil:
			return said, json.Unmarshal(buffer[:n], &said)
		case !errors.As(err, &timeout) || !timeout.Timeout():
			return said, err
		}
	}
	return said, err
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: add_udp ADDRESS A B")
	}
	var asked request
	for i, number := range []*int64{&asked.A, &asked.B} {
		var err error
		if *number, err = strconv.ParseInt(os.Args[2+i], 10, 64); err != nil {
			log.Fatal(err)
		}
	}
	conn, err := net.Dial("udp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	said, err := ask(conn, asked)
	if err != nil {
		log.Fatal(err)
	}
	if said.Error != "" {
		log.Fatal(said.Error)
	}
	fmt.Println(said.Sum)
}
