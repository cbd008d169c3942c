// Adds two numbers over TCP, with Go's standard library alone: one object each way, and no line end.
//
//	go run add_tcp.go ADDRESS A B
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"
)

// Capital field names, which the encoder writes as they are: {"A":7,"B":4}.
type request struct{ A, B int64 }

// The decoder matches keys in any case, so it finds the "sum" for this.
type answer struct {
	Sum   int64
	Error string
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: add_tcp ADDRESS A B")
	}
	var asked request
	for i, number := range []*int64{&asked.A, &asked.B} {
		var err error
		if *number, err = strconv.ParseInt(os.Args[2+i], 10, 64); err != nil {
			log.Fatal(err)
		}
	}
	conn, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		log.Fatal(err)
	}
	// Twice on one connection: the second request is read as the first one was.
	decoder := json.NewDecoder(conn)
	for i := 0; i < 2; i++ {
		object, err := json.Marshal(asked)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := conn.Write(object); err != nil {
			log.Fatal(err)
		}
		var said answer
		if err := decoder.Decode(&said); err != nil {
			log.Fatal(err)
		}
		if said.Error != "" {
			log.Fatal(said.Error)
		}
		fmt.Println(said.Sum)
	}
}
