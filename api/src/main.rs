fn main(){println!("{}", api::schema::sdl());}
