// Talks on the line port, with Go's standard library alone: what is typed goes out, what comes in is printed.
//
//	go run chat.go ADDRESS
package main

import (
	"io"
	"log"
	"net"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: chat ADDRESS")
	}
	conn, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	heard := make(chan error)
	go func() {
		_, err := io.Copy(os.Stdout, conn)
		heard <- err
	}()
	go func() {
		if _, err := io.Copy(conn, os.Stdin); err != nil {
			log.Print(err)
		}
		// The end of the input is the end of what is said; what others say is still read.
		if half, ok := conn.(*net.TCPConn); ok {
			half.CloseWrite()
		}
	}()
	if err := <-heard; err != nil {
		log.Fatal(err)
	}
	conn.Close()
}
